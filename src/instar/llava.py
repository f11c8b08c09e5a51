"""Samples to LLaVA-style JSON and back: others' trainers and others' data."""

from instar.exchange.export import ExportConfig, ExportSummary, export

__all__ = ["ExportConfig", "ExportSummary", "export"]
