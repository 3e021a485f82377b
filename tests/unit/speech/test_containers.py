"""A file that was cut is refused, one that promises too much is read: for every container."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.errors import InputError
from harness.speech import av_audio
from harness.speech.audio import Segment, read_recording

RATE = 16_000
KINDS = {
    "a.wav": ("WAV", "PCM_16"),
    "b.wav": ("WAVEX", "PCM_24"),
    "c.wav": ("RF64", "PCM_16"),
    "d.aiff": ("AIFF", "PCM_16"),
    "e.au": ("AU", "PCM_16"),
    "f.w64": ("W64", "PCM_16"),
    "g.caf": ("CAF", "PCM_16"),
    "h.flac": ("FLAC", "PCM_16"),
    "i.ogg": ("OGG", "VORBIS"),
    "j.opus": ("OGG", "OPUS"),
    "k.mp3": ("MP3", "MPEG_LAYER_III"),
}


def _sound(seconds: float = 2.0) -> np.ndarray:
    random = np.random.default_rng(3)
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)
    return tone + 0.1 * random.standard_normal(tone.size)


def _file(folder: Path, name: str) -> Path:
    kind, subtype = KINDS[name]
    soundfile.write(folder / name, _sound(), RATE, format=kind, subtype=subtype)
    return folder / name


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_is_read(tmp_path, name):
    assert read_recording(_file(tmp_path, name)).seconds == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("share", [0.11, 0.4, 0.75, 0.97])
@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_was_cut_is_refused(tmp_path, name, share):
    path = _file(tmp_path, name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share) | 1])
    with pytest.raises(InputError, match=r"cut off|cannot be read"):
        read_recording(path)


def test_a_cbr_mp3_without_a_count_of_frames_that_was_cut(tmp_path):
    data = _file(tmp_path, "k.mp3").read_bytes()
    for mark in (b"Xing", b"Info"):
        data = data.replace(mark, b"\0\0\0\0")
    path = tmp_path / "x.mp3"
    path.write_bytes(data)
    assert read_recording(path).seconds == pytest.approx(2.0, abs=0.15)
    path.write_bytes(data[: int(len(data) * 0.4) | 1])
    with pytest.raises(InputError, match="cut off"):
        read_recording(path)


def test_an_mp3_with_a_tag_after_it_is_whole(tmp_path):
    path = _file(tmp_path, "k.mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert read_recording(path).seconds == pytest.approx(2.0, abs=0.15)


def _wav(riff: int, data: int) -> bytes:
    """A WAV file with these two lengths in its header."""
    samples = (32_767 * _sound()).astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, RATE,
                       2 * RATE, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", data) + samples


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg to a pipe
        (0x80000024, 0x80000000),  # arecord to a pipe
        (0x7FFFF024, 0x7FFFF000),  # sox to a pipe
        (0, 0),  # a recorder that was stopped before it wrote the lengths
        (36, 0),
        (64_044, 64_000),  # the whole file's length as RIFF's
        (64_072, 64_044),  # a recorder that counts its header as sound
        (64_036, 64_036),
    ],
)
def test_lengths_that_were_never_right_cost_nothing(tmp_path, riff, data):
    path = tmp_path / "a.wav"
    path.write_bytes(_wav(riff, data))
    assert read_recording(path).seconds == 2.0


def test_a_length_that_was_right_is_believed(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(_wav(64_036, 64_000)[:-200])
    with pytest.raises(InputError, match="cut off"):
        read_recording(path)


def test_a_flac_that_was_streamed_has_no_length(tmp_path):
    path = _file(tmp_path, "h.flac")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert read_recording(path).seconds == 2.0
    assert read_recording(path, Segment(0.5, 1.0)).seconds == 1.0


@pytest.mark.parametrize("name", ["a.wav", "h.flac", "k.mp3", "i.ogg"])
def test_a_segment_is_cut_where_it_lies(tmp_path, name):
    path = tmp_path / name
    rising = np.concatenate([np.full(RATE, level) for level in (0.1, 0.3, 0.6)])
    sound = rising * np.sin(2 * np.pi * 440 * np.arange(rising.size) / RATE)
    kind, subtype = KINDS[name]
    soundfile.write(path, sound, RATE, format=kind, subtype=subtype)
    heard = read_recording(path, Segment(1.2, 0.6))
    assert heard.seconds == pytest.approx(0.6, abs=0.001)
    assert np.abs(heard.samples).max() / 32_768 == pytest.approx(0.3, abs=0.05)
    assert read_recording(path, Segment(2.0)).seconds == pytest.approx(1.0, abs=0.1)
    with pytest.raises(InputError, match="before the segment"):
        read_recording(path, Segment(2.5, 3.0))


def test_a_length_that_was_rounded_takes_the_recording_whole(tmp_path):
    path = _file(tmp_path, "a.wav")
    assert read_recording(path, Segment(0.0, 2.4, 0.5)).seconds == 2.0
    assert read_recording(path, Segment(0.0, 1.7, 0.5)).seconds == 2.0
    assert read_recording(path, Segment(0.0, 1.0, 0.5)).seconds == 1.0
    with pytest.raises(InputError, match="before the segment"):
        read_recording(path, Segment(0.0, 2.6, 0.5))


def test_what_is_too_long_is_not_decoded_to_its_end(tmp_path, monkeypatch):
    path = tmp_path / "long.wav"
    soundfile.write(path, _sound(40.0), RATE)
    monkeypatch.setattr("harness.speech.audio.BLOCK", 4000)
    assert read_recording(path, at_most_s=3.0).seconds == 4.0


def test_what_a_phone_records_is_read_with_pyav_and_else_named(tmp_path, monkeypatch):
    av = pytest.importorskip("av")
    path = tmp_path / "voice.m4a"
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=RATE, layout="mono")
        samples = _sound().astype(np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = RATE
        container.mux([*track.encode(frame), *track.encode(None)])
    assert read_recording(path).seconds == pytest.approx(2.0, abs=0.15)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut off|cannot be read"):
        read_recording(path)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert not av_audio.is_there()
    with pytest.raises(InputError, match=r"ffmpeg -i voice\.m4a voice\.wav"):
        read_recording(path)
