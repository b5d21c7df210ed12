from laban_app.server.metrics.proofs import MOST, Proofs
from laban_app.server.metrics.text import Form
from laban_mapper.alerts.names import NEW_FINDING
from laban_mapper.model import BusinessKey
from laban_mapper.model_alerts import Alert

from ....promtool import needs_prometheus, promtool


def alert(place: str, order: str | None = None, *traces: str, name: str = "LabanGroupStopped") -> Alert:
    key = None if order is None else BusinessKey(key="order.id", value=order)
    return Alert(name=name, place=place, severity="error", sentence="s", traces=list(traces), order=key)


def lines(proofs: Proofs) -> list[str]:
    return [line for line in proofs.render(Form.TEXT).splitlines() if not line.startswith("#")]


@needs_prometheus
def test_a_proof_is_an_order_or_a_trace_and_stays_while_its_alert_fires() -> None:
    proofs = Proofs()
    assert proofs.render(Form.TEXT) == ""
    new = alert("L022 order → pricing", None, "f" * 32, name=NEW_FINDING)
    proofs.update([alert("group mail", "1001"), alert("topic dead", None, "a" * 32), alert("x"), new], {})
    labels = 'alertname="LabanGroupStopped",place="group mail",key="order.id",value="1001"'
    first = f"laban_alert_proof_info{{{labels}}} 1"
    assert lines(proofs)[0] == first
    assert f'place="topic dead",key="trace",value="{"a" * 32}"' in lines(proofs)[1]
    assert len(lines(proofs)) == 2
    proofs.update([alert("group mail", "1002")], {"L022": "b" * 32})
    assert lines(proofs)[0] == first
    assert f'"LabanNewFinding",place="L022",key="trace",value="{"b" * 32}"' in lines(proofs)[1]
    assert promtool("check", "metrics", given=proofs.render(Form.TEXT).encode()) == ""
    proofs.update([], {})
    proofs.update([alert("group mail", "1002")], {})
    assert 'value="1002"' in lines(proofs)[0]


def test_there_are_not_more_than_some_series_and_the_worst_come_first() -> None:
    proofs = Proofs()
    proofs.update([alert(f"group {number:03}", "1") for number in range(MOST + 20)], {})
    assert len(lines(proofs)) == MOST
    assert 'place="group 000"' in lines(proofs)[0]
