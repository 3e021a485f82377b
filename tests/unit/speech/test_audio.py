"""A recording of any kind becomes 16-bit mono at 16 kHz; what is none is refused."""

from __future__ import annotations

import wave

import numpy as np
import pytest
import soundfile

from harness.errors import InputError
from harness.speech.audio import is_silent, read_recording, wav_bytes


@pytest.mark.parametrize(
    ("name", "subtype", "rate", "channels"),
    [
        ("a.wav", "PCM_U8", 8_000, 1),
        ("a.wav", "PCM_16", 44_100, 2),
        ("a.wav", "PCM_24", 48_000, 1),
        ("a.wav", "PCM_32", 22_050, 3),
        ("a.wav", "FLOAT", 96_000, 2),
        ("a.wav", "DOUBLE", 16_000, 1),
        ("a.wav", "ULAW", 8_000, 1),
        ("a.flac", "PCM_24", 44_100, 2),
        ("a.mp3", None, 44_100, 1),
        ("a.ogg", None, 48_000, 1),
    ],
)
def test_any_kind_is_the_same_tone(record, tmp_path, name, subtype, rate, channels):
    path = record(tmp_path / name, rate=rate, channels=channels, subtype=subtype)
    heard = read_recording(path)
    assert heard.seconds == pytest.approx(0.5, abs=0.06)  # MP3 pads
    middle = heard.samples[1600:6400].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 16_000 / middle.size == pytest.approx(440, 0.02)
    assert np.abs(middle).max() == pytest.approx(16_384, rel=0.06)
    assert heard.clipped == 0


def test_what_is_right_already_keeps_its_samples(tmp_path):
    samples = np.random.default_rng(0).integers(-32_768, 32_767, 4000).astype(np.int16)
    (tmp_path / "a.wav").write_bytes(wav_bytes(samples))
    assert np.array_equal(read_recording(tmp_path / "a.wav").samples, samples)


def test_a_conversion_can_be_made_again(record, tmp_path):
    path = record(tmp_path / "a.flac", rate=44_100, channels=2)
    assert np.array_equal(read_recording(path).samples, read_recording(path).samples)


def test_clipping_is_told(record, tmp_path):
    path = record(tmp_path / "a.wav", loud=3.0, subtype="FLOAT", rate=48_000)
    assert read_recording(path).clipped > 0.3


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_silence_is_refused(record, tmp_path, rate):
    with pytest.raises(InputError, match=r"a\.wav: is silent"):
        read_recording(record(tmp_path / "a.wav", loud=0.001, rate=rate))
    assert is_silent(np.zeros(0, np.int16))
    assert is_silent(np.full(10, -64, np.int16))
    assert not is_silent(np.array([0, -32_768], np.int16))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_a_recording_that_was_cut_off(record, tmp_path, name):
    path = record(tmp_path / name, subtype=None)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"{name}: .*(cut off|cannot be read)"):
        read_recording(path)


def test_what_is_no_recording(tmp_path):
    for name, content in (("text.wav", b"hello"), ("empty.wav", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: cannot be read as a recording"):
            read_recording(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_recording(tmp_path / "nowhere.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(InputError, match="holds no sound"):
        read_recording(tmp_path / "none.wav")
    soundfile.write(tmp_path / "nan.wav", np.full(99, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="no numbers"):
        read_recording(tmp_path / "nan.wav")


def test_a_wav_written_as_it_came_has_no_length_yet(record, tmp_path):
    """A recorder that streams leaves 0xFFFFFFFF in the header."""
    path = record(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert read_recording(path).seconds == 0.5
    with wave.open(str(path)) as wav:
        assert wav.getnframes() == 8000
