"""Objects with arrays are the same on the other side, and their arrays in memory once."""

import mmap
import os
import tempfile

import numpy as np
import pytest

from moderation.sharing import map_shared, write_shared

VALUE = {
    "words": ["river", "bridge"],
    "odd": np.arange(7, dtype=np.uint8),
    "table": np.arange(12, dtype=np.float64).reshape(3, 4),
    "empty": np.zeros((0, 3)),
}


def share(value):
    with write_shared(value) as stream:
        return map_shared(stream.fileno())


def test_a_value_comes_back_as_it_was():
    found = share(VALUE)
    assert found["words"] == VALUE["words"]
    for name in ("odd", "table", "empty"):
        assert found[name].dtype == VALUE[name].dtype
        assert (found[name] == VALUE[name]).all()
        assert found[name].shape == VALUE[name].shape


def test_values_without_arrays_can_be_shared():
    assert share(("river", 7, None)) == ("river", 7, None)


def test_one_array_in_two_places_is_one_array():
    array = np.arange(5)
    first, second = share([array, array])
    assert first is second


def test_arrays_lie_at_cache_lines_and_can_be_written_by_each_for_itself():
    """Compiled loops take read-only arrays for another kind."""
    with write_shared(VALUE) as stream:
        one, other = map_shared(stream.fileno()), map_shared(stream.fileno())
    assert one["table"].ctypes.data % 64 == 0
    one["table"][0, 0] = 100.0
    assert other["table"][0, 0] == 0.0


def test_the_arrays_are_in_memory_once():
    """Two that map 64 MB and read it all are charged half of it each, by the system's account."""
    size = 64 << 20
    with write_shared(np.ones(size, dtype=np.uint8)) as stream:
        before = _pss()
        mapped = [map_shared(stream.fileno()) for _ in range(2)]
    assert all(int(array[:: mmap.PAGESIZE].sum()) == size // mmap.PAGESIZE for array in mapped)
    assert _pss() - before < 1.2 * size


def _pss():
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        [found] = [line for line in lines if line.startswith("Pss:")]
    return int(found.split()[1]) * 1024


def test_what_does_not_fit_is_an_error_and_leaves_nothing(monkeypatch):
    opened = []

    def full(name):
        descriptor = os.open("/dev/full", os.O_RDWR)
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(os, "memfd_create", full)
    with pytest.raises(OSError, match="No space left"):
        write_shared(np.zeros(1 << 20))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_systems_without_files_in_memory_use_a_temporary_one(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert share(7) == 7
    assert list(tmp_path.iterdir()) == []
