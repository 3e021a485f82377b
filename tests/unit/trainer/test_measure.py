from harness.trainer.measure import measure_need


def test_a_fresh_process_is_measured(tiny_model_path):
    need = measure_need(tiny_model_path, "S8", threads=1, utterances=8)
    assert 1 < need.need_mb < 500
    assert 5 < need.base_mb < 200
    assert 0 < need.step_seconds < 30
