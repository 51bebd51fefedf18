"""Which part of an object takes how much of its pickle, told from the pickle alone.

A pickle is a program for a machine with a stack (see :mod:`pickletools`, which lists its opcodes). Here it is
followed without making any object: the stack holds the positions at which its items begin. What lies between
the beginning of an attribute's value and that of the next name is the value's. An object that occurs twice is
written where it occurs first, and counts there.
"""

from __future__ import annotations

import pickletools
from array import array
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

MOST_OPCODES = 5_000_000  # some 3 s; a pickle that has more is not followed to its end
_SLICE = 5_000  # opcodes between two stops
_SMALLEST = 1000  # attributes of an object that takes less than this part of the pickle are not told apart

#: By opcode: the length of opcode and argument, or minus the number of bytes that give the argument's length.
_widths: List[int] = [0] * 256
_NEWLINE = 0
#: By opcode: items taken off the stack, items put there, and whether a mark is taken with what lies above it.
_effects: List[Tuple[int, int, bool]] = [(0, 0, False)] * 256
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: -1,
    pickletools.TAKEN_FROM_ARGUMENT4: -4,
    pickletools.TAKEN_FROM_ARGUMENT4U: -4,
    pickletools.TAKEN_FROM_ARGUMENT8U: -8,
}
for _opcode in pickletools.opcodes:
    _taken = [item for item in _opcode.stack_before if item is not pickletools.stackslice]
    _marked = pickletools.markobject in _taken
    _number = ord(_opcode.code)
    _effects[_number] = len(_taken) - _marked, len(_opcode.stack_after), _marked
    _n = 0 if _opcode.arg is None else _opcode.arg.n
    _widths[_number] = _n + 1 if _n >= 0 else _LENGTHS.get(_n, _NEWLINE)

_MARK, _MEMOIZE, _STOP, _BUILD, _SETITEM, _SETITEMS = b"("[0], 0x94, b"."[0], b"b"[0], b"s"[0], b"u"[0]
_LINES = {b"c"[0]: 2, b"i"[0]: 2}  # opcodes with more than one line as their argument

_PUTS = (b"q"[0], b"r"[0])
_GETS = (b"h"[0], b"j"[0])
_TEXTS = {0x8C: 1, b"X"[0]: 4, 0x8D: 8}  # the bytes that give a text's length

#: The bytes of an attribute, and those of its attributes.
_Field = Tuple[int, Mapping[str, int]]


class PickleParts:
    """Follows a pickle.

    Parameters
    ----------
    data:
        The pickle.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._smallest = max(len(data) // _SMALLEST, 1)
        self._memo = array("q")  # the positions of what was memoised
        self._stack: List[int] = []  # positions
        self._marks: List[int] = []  # heights of the stack
        self._fields: Dict[int, Dict[str, _Field]] = {}  # attributes of objects that begin at a position
        self.complete = False  # whether the pickle was followed to its end

    def follow(self) -> Iterator[None]:
        """Follow the pickle, and stop every few milliseconds.

        Raises
        ------
        IndexError, ValueError
            If it is no pickle.
        """
        data, memo, stack, marks = self._data, self._memo, self._stack, self._marks
        position = 0
        for number in range(MOST_OPCODES):
            if number % _SLICE == _SLICE - 1:
                yield
            opcode = data[position]
            end = position + _widths[opcode] if _widths[opcode] > 0 else self._end(opcode, position)
            taken, put, to_mark = _effects[opcode]
            if opcode == _MEMOIZE:
                memo.append(stack[-1])
            elif opcode == _MARK:
                marks.append(len(stack))
            elif opcode == _STOP:
                self.complete = True
                return
            elif opcode in _PUTS:
                memo.append(stack[-1])  # Python's picklers number what they memoise one by one
            elif not taken and not to_mark:
                if put:
                    stack.append(position)
            else:
                if opcode in (_BUILD, _SETITEM, _SETITEMS):
                    self._note(opcode, stack, marks, position)
                if to_mark:
                    height = marks.pop()
                    first = stack[height] if height < len(stack) else position
                    del stack[height:]
                else:
                    first = position
                if taken:
                    first = stack[-taken]
                    del stack[-taken:]
                stack.extend([first] * put)
            position = end

    def _end(self, opcode: int, position: int) -> int:
        data, length = self._data, -_widths[opcode]
        if length:
            start = position + 1 + length
            return start + int.from_bytes(data[position + 1 : start], "little")
        end = position
        for _ in range(_LINES.get(opcode, 1)):
            end = data.index(b"\n", end + 1)
        return end + 1

    def _note(self, opcode: int, stack: List[int], marks: List[int], position: int) -> None:
        """Note what a dictionary gains, or that an object has the attributes in its state."""
        if opcode == _BUILD:
            state = self._fields.pop(stack[-1], None)
            if state is not None:
                self._fields.setdefault(stack[-2], {}).update(state)
            return
        items = stack[marks[-1] :] if opcode == _SETITEMS else stack[-2:]
        owner = stack[marks[-1] - 1] if opcode == _SETITEMS else stack[-3]
        if position - owner < self._smallest:
            return
        fields = self._fields.setdefault(owner, {})
        ends = [*items[2::2], position]
        for key, value, end in zip(items[::2], items[1::2], ends):
            inner = self._fields.pop(value, {})
            name = self._text(key)
            if name is not None:
                fields[name] = end - value, {each: size for each, (size, _) in inner.items()}

    def _text(self, position: int) -> Optional[str]:
        """The text that begins, or is referred to, at a position; ``None`` if something else is."""
        data = self._data
        if data[position] in _GETS:
            width = _widths[data[position]]
            position = self._memo[int.from_bytes(data[position + 1 : position + width], "little")]
        length = _TEXTS.get(data[position])
        if length is None:
            return None
        start = position + 1 + length
        return data[start : self._end(data[position], position)].decode("utf-8", "replace")

    def parts(self) -> Dict[str, int]:
        """Bytes by ``attribute`` and ``attribute.attribute`` of the object that was pickled.

        If the pickle was not followed to its end, the rest of the bytes is that of the attribute which was
        come to "and what follows".
        """
        if not self.complete:
            return self._begun()
        parts: Dict[str, int] = {}
        for name, (size, inner) in self._fields.get(self._stack[-1], {}).items():
            parts[name] = size
            parts.update((f"{name}.{each}", inside) for each, inside in inner.items())
        return parts

    def _begun(self) -> Dict[str, int]:
        # The stack holds the object, its state, a mark, and names and values in turn; the value that was come
        # to has a mark in it.
        if len(self._marks) < 2:
            return {}
        items = self._stack[self._marks[0] : self._marks[1]]
        ends = [*items[2::2], len(self._data)]
        parts: Dict[str, int] = {}
        last = ""
        for key, value, end in zip(items[::2], items[1::2], ends):
            name = self._text(key)
            if name is None:
                break
            parts[name], last = end - value, name
        if last:
            parts[f"{last} and what follows"] = len(self._data) - items[2 * len(parts) - 1]
            del parts[last]
        return parts


def parts_of(data: bytes) -> Dict[str, int]:
    """The parts of a pickle, all at once; see :class:`PickleParts`."""
    followed = PickleParts(data)
    for _ in followed.follow():
        pass
    return followed.parts()
