"""The card of a story: the verdict, the cause with its evidence, what is also seen, and the downloads."""

import re
from collections.abc import Callable
from typing import Final

import streamlit as st

from laban_app.answers.trace_links import trace_links
from laban_collector.errors import BadSettings
from laban_dashboard.answer_source import grafana_url
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.status_labels import OUTCOME_COLOURS, OUTCOME_ICONS, OUTCOME_LABELS
from laban_dashboard.presentation.story_links import story_links
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_mapper.model import Cause, Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rendering import MEDIA_TYPES, STORY_FORMS, StoryForm, write

_ALSO_SEEN: Final = 5
_PROOF: Final = 3
"""The most spans that are named as proof of a cause."""
_NOT_IN_NAMES: Final = re.compile(r"[^\w.=-]+")
_ENDINGS: Final = {"markdown": "md", "mermaid": "mmd", "html": "html"}


def story_card(story: Story, name: str) -> None:
    """Draw the verdict of a story, and why; the downloads have this name."""
    colour, icon = OUTCOME_COLOURS[story.outcome], OUTCOME_ICONS[story.outcome]
    label = OUTCOME_LABELS.get(story.outcome, story.outcome)
    with st.container(border=True, key="verdict"):
        verdict = _local(story.verdict, story)
        st.markdown(
            f"## :{colour}-badge[{icon} {label}] {formatting.escape_markdown(verdict)}",
            help=None if verdict == story.verdict else formatting.escape_markdown(story.verdict),
        )
        _causes(story)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            _facts(story)
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                _elsewhere(story)
                _downloads(story, _NOT_IN_NAMES.sub("_", name))
        for note in story.notes:
            st.caption(f":orange[{formatting.escape_markdown(note)}]")
        if story.truncated:
            st.caption(":orange[Truncated: the order has more spans than the query limit.]")


def _elsewhere(story: Story) -> None:
    """Draw a button for each other tool that shows the story or its trace."""
    try:
        links = trace_links()
    except BadSettings as error:
        st.caption(f":orange[{formatting.escape_markdown(str(error))}]")
        return
    for link in story_links(story, links, grafana_url()):
        label = formatting.escape_markdown(link.label)
        st.link_button(label, link.address, icon=":material/open_in_new:")


def _downloads(story: Story, name: str) -> None:
    """Draw a button for each form of the story."""
    with st.popover("Download", icon=":material/download:"):
        for form in STORY_FORMS:
            st.download_button(
                form.capitalize() if form != "html" else "HTML, one file",
                _written(story, form),
                f"{name}.{_ENDINGS[form]}",
                MEDIA_TYPES[form],
                key=f"download-{form}",
                on_click="ignore",
                width="stretch",
            )
        st.download_button(
            "JSON",
            lambda: story.model_dump_json(indent=2),
            f"{name}.json",
            "application/json",
            key="download-json",
            on_click="ignore",
            width="stretch",
        )


def _written(story: Story, form: StoryForm) -> Callable[[], str]:
    return lambda: write(story, form)


def _causes(story: Story) -> None:
    first = next((cause for cause in story.causes if cause.rank == 1), None)
    if first is not None:
        show = st.error if story.outcome == "failed" else st.warning
        show(_cause(first, f"Cause: {_kind(first)}", story), icon=":material/crisis_alert:")
    elif story.root_cause is not None:
        cause = story.root_cause
        text = " · ".join(map(formatting.escape_markdown, (cause.service, cause.operation, cause.error)))
        st.error(f"**Cause** · {text}", icon=":material/crisis_alert:")
    others = [cause for cause in story.causes if cause is not first]
    if others:
        lines = [f"- {_cause(cause, f'Also seen: {_kind(cause)}', story)}" for cause in others[:_ALSO_SEEN]]
        if len(others) > _ALSO_SEEN:
            lines.append(f"- and {len(others) - _ALSO_SEEN} more")
        st.markdown("\n".join(lines))


def _kind(cause: Cause) -> str:
    return cause.kind.replace("_", " ")


def _local(text: str, story: Story) -> str:
    return formatting.in_timezone(text, story.started, browser_timezone())


def _cause(cause: Cause, title: str, story: Story) -> str:
    sentence = _local(formatting.capitalized(cause.sentence, cause.service), story)
    usual = phrases.usual(cause)
    spans = cause.spans[:_PROOF] + (["…"] if len(cause.spans) > _PROOF else [])
    proof = f"proof: span {', '.join(spans)}" if spans else ""
    about = ", ".join(filter(None, (usual, proof)))
    evidence = f"  \n:small[{formatting.escape_markdown(about)}]" if about else ""
    return f"**{title}** · {formatting.escape_markdown(sentence)}{evidence}"


def _took(story: Story) -> str:
    """How long it took; of an order that waits, only when its last step so far ended is known."""
    took = formatting.duration(story.duration_ms)
    waits = story.outcome == "waiting"
    return f"{f'last step after {took}' if waits else f'{took} in total'}{_usually(story)}"


def _usually(story: Story) -> str:
    if story.usual_ms is None:
        return ""
    examples = formatting.count(story.usual_examples or 0, "trace")
    return f", usually {formatting.duration(story.usual_ms)} ({examples})"


def _facts(story: Story) -> None:
    started = story.started.astimezone(browser_timezone())
    facts = [
        f"{started:%-d %b %Y %H:%M:%S}",
        _took(story),
        f"{formatting.count(story.spans, 'span')} in {formatting.count(len(story.traces), 'trace')}",
    ]
    st.caption(" · ".join(facts), help=f"{story.started:%Y-%m-%d %H:%M:%S} UTC", width="content")
