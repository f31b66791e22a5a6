from pathlib import Path


def test_a_demo_is_written_to_a_new_folder_only(pipeline, call, folder):
    code, out, _ = call("demo", "try me")
    assert (code, pipeline.asked) == (0, [("demo", Path("try me"))])
    assert "  cd 'try me'\n  autokd compress --teacher model.pt --device jetson-nano" in out
    (folder / "try me" / "mine").write_text("")
    code, _, err = call("demo", "try me")
    assert (code, len(pipeline.asked)) == (2, 1)
    assert "try me: exists and is not an empty folder; give the name of a new one." in err


def test_a_file_in_the_way_of_a_demo_is_left_alone(pipeline, call, folder):
    (folder / "mine").write_text("mine")
    code, _, err = call("demo", "mine")
    assert code == 2
    assert "mine: exists and is not an empty folder" in err
    assert (folder / "mine").read_text() == "mine"
    assert pipeline.asked == []
