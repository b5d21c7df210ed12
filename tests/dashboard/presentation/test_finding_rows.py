from laban_dashboard.presentation.finding_rows import with_text
from tests.dashboard.shop_answers import ShopAnswers

FINDINGS = ShopAnswers().findings().findings


def test_findings_are_found_by_words_of_their_code_name_place_and_sentence() -> None:
    def codes(text: str) -> list[str]:
        return [found.code for found in with_text(FINDINGS, text)]

    assert codes("  ") == [found.code for found in FINDINGS]
    assert codes("l022") == codes("EMAIL stopped") == codes("nothing commits") == ["L022"]
    assert codes("email auditors") == []
