"""The report of a fit or a measurement: numbers for programs, sentences for people, and one self-contained page."""

from onehalf.report.page import render_fit_page, render_measurement_page, render_steps_page
from onehalf.report.summary import FitSummary, summarize
from onehalf.report.text import describe_fit, summarize_fit

__all__ = [
    "FitSummary",
    "describe_fit",
    "render_fit_page",
    "render_measurement_page",
    "render_steps_page",
    "summarize",
    "summarize_fit",
]
