"""What a person reads after a run: results.json, summary.md, trials.csv and report.html.

All of it is made from one `autokd.core.results.Report`. No torch in here.
"""
