from benchmarks.starting import run


def test_every_start_is_timed_and_none_loads_what_is_heavy() -> None:
    found = run("small")
    (started,) = found.comparisons
    assert [rate.name for rate in started.rates][-3:] == ["instar eval --help", "instar list", "instar --help"]
    assert all(rate.median > 0 for rate in started.rates)
    aims = {fact.what: fact.aim for fact in found.facts if fact.aim}
    assert (aims["instar --help"], aims["instar list"]) == ("under 0.3", "under 0.5")
    loads = [fact for fact in found.facts if fact.unit == "loaded"]
    assert len(loads) == 3
    assert all(fact.value == 0 and fact.met for fact in loads)
