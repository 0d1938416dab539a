"""Text of a description file: its bytes, after a check of its kind and its size, decoded from UTF-8."""

from __future__ import annotations

import re
from pathlib import Path

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.file_kinds import SIGNATURE_BYTES, dangling_link, kind_of_content, kind_of_name

MAX_FILE_BYTES = 4 * 2**20  # thousands of blocks and pixels belong in CSV and NPY files
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path) -> str:
    """Return the text of a description file.

    Raises DescriptionError (E-FILE) if it cannot be read or is of another kind, E-YAML if it is not text.
    """
    file = str(path)
    return _decode(_read_bytes(path, file), file)


def _read_bytes(path: Path, file: str) -> bytes:
    """Return the content of a description. Raises DescriptionError (E-FILE) for a file of another kind."""

    def file_error(message: str, hint: str = "") -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", file))

    try:
        if path.is_dir():
            raise file_error("is a directory", "name the .yaml file in it")
        if problem := dangling_link(path):
            raise file_error(problem)
        if path.exists() and not path.is_file():
            raise file_error("is not a regular file")
        size = path.stat().st_size
        with path.open("rb") as stream:
            kind = kind_of_name(path) or kind_of_content(stream.read(SIGNATURE_BYTES))
            if kind is not None:
                raise file_error(f"is {kind.noun}, not a description", kind.advice)
            if size > MAX_FILE_BYTES:
                text = f"has {size} bytes, more than the maximum of {MAX_FILE_BYTES} of a description"
                raise file_error(text, "keep blocks and maps in CSV or NPY files")
            stream.seek(0)
            return stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise file_error(f"cannot be read: {reason.lower()}") from None


def _decode(data: bytes, file: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[1:2] == b"\0" or data[:1] == b"\0":
        raise DescriptionError(Diagnostic("", "is not UTF-8 text", "save it as UTF-8", "E-YAML", file, 1, 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(data[: error.start].decode("latin-1"), error.start)
        message = f"is not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise DescriptionError(
            Diagnostic("", message, "save it as UTF-8", "E-YAML", file, line, column)
        ) from None
    if found := _UNPRINTABLE.search(text):
        line, column = _line_and_column(text, found.start())
        message = f"character U+{ord(found.group()):04X} is not text"
        raise DescriptionError(Diagnostic("", message, "", "E-YAML", file, line, column))
    return text


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
