from pathlib import Path

import yaml

from laban_mapper.alerts.limits import DEFAULTS, AlertLimits
from laban_mapper.alerts.prometheus import rules_file
from laban_mapper.alerts.registry import CONDITIONS
from laban_mapper.findings.thresholds import Objectives

from ...promtool import needs_prometheus, promtool

RULES_TEST = Path(__file__).with_name("laban.rules.test.yml")
ENTRY = "order POST /orders"
HOSTILE = 'a"} or {{ $value }} "\\\n'
OBJECTIVES = Objectives(
    latency={ENTRY: 300, HOSTILE: 1}, errors={ENTRY: 0.01, HOSTILE: 0.5}, queue={"mail": 60, HOSTILE: 1}
)


def test_every_condition_has_a_rule_with_a_sentence_and_a_place() -> None:
    [group] = yaml.safe_load(rules_file(DEFAULTS, OBJECTIVES, "https://laban.example"))["groups"]
    assert {rule["alert"] for rule in group["rules"]} == {condition.name for condition in CONDITIONS}
    for rule in group["rules"]:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["place"]
        assert rule["annotations"]["link"] == "https://laban.example"


def test_limits_are_in_the_expressions_and_without_an_objective_there_is_no_rule() -> None:
    limits = AlertLimits(drain=77, lag_messages=5, dead_letters=3, window=120, lag_statuses=())
    [group] = yaml.safe_load(rules_file(limits, Objectives(), ""))["groups"]
    rules = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    assert set(rules) == {"LabanGroupStopped", "LabanSlowDrain", "LabanDeadLetters", "LabanNewFinding"}
    drains = "laban_consumergroup_drain_seconds > 77 and kafka_consumergroup_lag_sum >= 5 unless"
    assert rules["LabanSlowDrain"].startswith(drains)
    assert rules["LabanDeadLetters"].endswith("[120s])) >= 3")


@needs_prometheus
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(tmp_path: Path) -> None:
    (tmp_path / "laban.rules.yml").write_text(rules_file(DEFAULTS, OBJECTIVES, "https://laban.example"))
    assert "SUCCESS" in promtool("check", "rules", "laban.rules.yml", cwd=tmp_path)
    (tmp_path / "test.yml").write_text(RULES_TEST.read_text())
    assert "SUCCESS" in promtool("test", "rules", "test.yml", cwd=tmp_path)
