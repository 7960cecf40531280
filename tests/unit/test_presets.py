from datetime import date

import pytest
from pydantic import ValidationError

from tightfit.errors import ExitCode, UsageError
from tightfit.presets import Preset, load, load_all, names, stale
from tightfit.units import parse_target

PROMISED = {
    *("discord", "discord-bot", "discord-basic", "discord-nitro"),
    *("whatsapp", "telegram", "telegram-bot", "signal", "messenger"),
    *("email", "gmail", "outlook", "github"),
    *("x", "instagram", "tiktok", "bluesky", "slack", "mms", "web"),
}


def preset_checked_on(day: date) -> Preset:
    """A preset in which nothing but the day matters."""
    return Preset.model_validate(
        {
            "name": f"checked-{day}",
            "title": "Somewhere",
            "limit_bytes": 9,
            "nominal_bytes": 10,
            "variant": "web",
            "source": {"url": "https://example.org", "cited": "10.", "checked": day, "confidence": "C"},
        }
    )


def test_every_promised_destination_exists_and_no_other():
    assert set(names()) == PROMISED


def test_names_are_listed_alphabetically():
    assert names() == sorted(PROMISED)


def test_all_presets_load_in_the_order_of_their_names():
    assert [preset.name for preset in load_all()] == names()


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_safe_limit_is_never_above_what_the_host_says(name):
    preset = load(name)
    assert 0 < preset.limit_bytes <= preset.nominal_bytes


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_source_is_a_secure_link_with_a_sentence_and_a_past_date(name):
    source = load(name).source
    assert source.url.startswith("https://")
    assert source.cited.endswith(".")
    assert source.checked <= date.today()


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_notes_are_sentences(name):
    assert all(note.endswith(".") for note in load(name).notes)


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_name_can_be_written_where_a_size_is_expected(name):
    assert name == name.lower()
    assert parse_target(name).preset == name


def test_discord_users_and_bots_have_their_own_limits():
    assert load("discord").limit_bytes == 19_700_000
    assert load("discord-bot").limit_bytes == 9_850_000


def test_mail_leaves_room_for_encoding_unless_both_ends_are_gmail():
    assert load("email").limit_bytes == load("outlook").limit_bytes == 18_000_000
    assert load("gmail").limit_bytes == 24_000_000


def test_only_instagram_refuses_edit_lists():
    assert [preset.name for preset in load_all() if not preset.edit_lists] == ["instagram"]


def test_h264_comes_first_wherever_a_host_names_codecs():
    assert {preset.video.codecs[0] for preset in load_all() if preset.video.codecs} == {"h264"}


def test_a_rule_the_source_does_not_state_is_absent():
    signal = load("signal")
    assert signal.video.codecs == ()
    assert signal.video.max_fps is None
    assert signal.max_duration_s is None


def test_a_name_in_capitals_is_the_same_preset():
    assert load("Discord") == load("discord")


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant():
    with pytest.raises(UsageError) as caught:
        load("discrod")
    assert str(caught.value) == "There is no preset 'discrod'. Did you mean discord?"
    assert caught.value.code == ExitCode.USAGE


def test_a_name_like_no_other_is_answered_with_the_list():
    with pytest.raises(UsageError) as caught:
        load("carrier pigeon")
    assert str(caught.value) == f"There is no preset 'carrier pigeon'. Presets are {', '.join(names())}."


def test_a_path_is_not_a_name():
    with pytest.raises(UsageError):
        load("../presets/discord")


def test_a_preset_prints_as_its_name_limit_and_title():
    assert str(load("discord")) == "discord: 19.7 MB (Discord, free account)"


def test_a_preset_survives_a_trip_through_json():
    preset = load("instagram")
    assert Preset.model_validate_json(preset.model_dump_json()) == preset


def test_a_limit_above_what_the_host_says_is_refused():
    data = load("discord").model_dump() | {"limit_bytes": 20_000_001}
    with pytest.raises(ValidationError, match="20000001 is above nominal_bytes 20000000"):
        Preset.model_validate(data)


def test_a_key_that_means_nothing_is_refused():
    data = load("discord").model_dump() | {"limit_byte": 1}
    with pytest.raises(ValidationError, match="limit_byte"):
        Preset.model_validate(data)


def test_a_preset_is_stale_the_day_after_its_months_are_over():
    preset = preset_checked_on(date(2026, 5, 1))
    assert stale([preset], today=date(2026, 11, 1)) == []
    assert stale([preset], today=date(2026, 11, 2)) == [preset]


def test_stale_presets_keep_the_order_they_were_given_in():
    older, fresh, old = (preset_checked_on(date(2025, month, 1)) for month in (1, 12, 3))
    assert stale([older, fresh, old], today=date(2025, 12, 2), months=3) == [older, old]


def test_months_are_counted_across_a_year_and_into_a_shorter_month():
    last_of_february = preset_checked_on(date(2027, 2, 28))
    assert stale([last_of_february], today=date(2027, 8, 31)) == []
    assert stale([last_of_february], today=date(2027, 9, 1)) == [last_of_february]
    before_new_year = preset_checked_on(date(2026, 12, 31))
    assert stale([before_new_year], today=date(2027, 1, 31), months=1) == []
    assert stale([before_new_year], today=date(2027, 2, 1), months=1) == [before_new_year]
