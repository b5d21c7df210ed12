"""The sequence diagram of an order, as data for the component that draws it."""

from laban_mapper.model import Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.sequence import NAME_WIDTH, sequence


def sequence_data(story: Story) -> dict[str, object]:
    """Return the participants and the events; events name participants by their index."""
    found = sequence(story)
    place = {participant: index for index, participant in enumerate(found.participants)}
    return {
        "participants": [
            {"kind": kind, "name": phrases.name(name, NAME_WIDTH)} for kind, name in found.participants
        ],
        "events": [
            {
                "kind": event.kind,
                "from": place[event.source],
                "to": place[event.target],
                "text": event.text,
                "failing": event.failing,
            }
            for event in found.events
        ],
        "left_out": found.left_out,
    }
