"""What a page says of its policy: the numbers of its evaluation, in their place."""

from __future__ import annotations

from benchmarks.ship import BEGIN, END, fill, section


def test_the_part_of_a_page_has_the_numbers_of_an_evaluation():
    metrics = {
        "lin_vel_xy_error": {"mean": 0.1234, "ci95": [0.12, 0.13]},
        "fall_rate": {"mean": 0.008, "ci95": [0.004, 0.0157]},
        "other": {"mean": 1.0, "ci95": [0.0, 2.0]},
    }
    standing = {"nominal": {"rest": {"stand_still": {"mean": 0.975}}}}
    evaluation = {"num_episodes": 1000, "episode_length_s": 20.0, "metrics": metrics, "stand_still": standing}
    page = fill(f"# G1\n\n{BEGIN}\nNone yet.\n{END}\n\nMore.\n", section("g1", evaluation, "python evaluate.py"))
    assert page.startswith(f"# G1\n\n{BEGIN}\n[Its card](../resources/policies/g1/card.md)")
    assert page.endswith(f"python legged_gym/scripts/play.py --policy=g1\n```\n{END}\n\nMore.\n")
    assert "None yet" not in page and "1000 episodes of 20 s" in page and "other" not in page
    assert "| velocity error, m/s | 0.123 (0.12 to 0.13) |" in page
    assert "| falls in 20 s, % | 0.8 (0.4 to 1.57) |" in page
    assert "| told to stand, from rest: stands still | 98 % |" in page
