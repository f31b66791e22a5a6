import pytest

from autokd.space.pace import fit_pace


def test_it_finds_the_coefficients_that_times_were_made_from(space, members):
    drawn_from = space(max_params=100_000)
    programs = [drawn_from.program(m) for m in members(drawn_from, 12)]

    from autokd.space.pace import training_features

    true = (2e-10, 3e-10, 5e-9, 1e-10, 1e-5)
    times = [sum(c * f for c, f in zip(true, training_features(p), strict=True)) for p in programs]
    pace = fit_pace(programs, times)

    assert pace.seconds == pytest.approx(true, rel=1e-4)
    assert pace.relative_error < 1e-6
    assert pace.seconds_per_image(programs[0]) == pytest.approx(times[0])


def test_no_coefficient_is_negative_whatever_was_timed(space, members):
    drawn_from = space(max_params=100_000)
    programs = [drawn_from.program(m) for m in members(drawn_from, 9)]
    pace = fit_pace(programs, [0.001 * (1 + n % 3) for n in range(9)])
    assert min(pace.seconds) >= 0
    assert all(pace.seconds_per_image(program) > 0 for program in programs)
