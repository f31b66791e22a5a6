"""What people and CI read after a run: results.json, summary.md, trials.csv, report.html and more.

All of it is made from one `autokd.core.results.Report`. No torch in here.
"""
