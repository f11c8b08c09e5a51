"""Samples to LLaVA-style JSON and back: others' trainers and others' data."""

from instar.exchange.export import ExportConfig, ExportSummary, export
from instar.exchange.intake import ImportConfig, ImportSummary, import_json

__all__ = ["ExportConfig", "ExportSummary", "ImportConfig", "ImportSummary", "export", "import_json"]
