"""ONNX files of policies and drives: opening them, their digest and their description; numpy and onnxruntime alone."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any, Dict, Optional, Union

from legged_gym.errors import UserError
from legged_gym.reading import parse_json
from rsl_rl.utils.archive import first_line

FORMAT_VERSION = 2
READABLE_FORMATS = (1, FORMAT_VERSION)
"""Format 1 lacks physics, start and actuator, and has the camera of an image in its group."""

GROUND_FILE = "terrain.npz"
"""Beside a policy that sees: tiles of its task; see `ground`."""

METADATA_KEY = "metadata"
"""Property of an ONNX file that holds the description, as JSON."""

DIGEST_KEY = "sha256"
"""Property of an ONNX file that holds the SHA-256 of the file with `NO_DIGEST` in the digest's place."""

NO_DIGEST = "0" * 64
"""What stands there while the digest is computed."""


class OnnxFile:
    """An ONNX file that is whole.

    Attributes:
        session: of onnxruntime.
        description: see docs/exported_policies.md.
    """

    def __init__(self, content: bytes, path: str) -> None:
        """Open a file.

        Args:
            content: the file.
            path: its name, for errors.

        Raises:
            UserError: it is damaged, or not an exported policy.
        """
        try:
            # what onnxruntime prints about broken files is said below, in one line
            with contextlib.redirect_stdout(None):
                self.session = open_session(content)
        except ImportError:
            raise
        except Exception as error:  # onnxruntime has a dozen exceptions of its own for a broken file
            raise UserError(f"{path} is damaged or no ONNX file ({first_line(error)})") from error
        properties = self.session.get_modelmeta().custom_metadata_map
        _check_digest(content, properties.get(DIGEST_KEY), path)
        self.description = parse_description(properties.get(METADATA_KEY), path)


def open_session(file: Union[str, bytes]) -> Any:
    """An ONNX file, by its path or content, as a session of onnxruntime on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # these networks are small, and results then do not depend on the machine
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def with_digest(content: bytes) -> bytes:
    """Put the digest into an ONNX file that has `NO_DIGEST` in its place."""
    return content.replace(NO_DIGEST.encode(), hashlib.sha256(content).hexdigest().encode())


def _check_digest(content: bytes, digest: Optional[str], path: str) -> None:
    """Refuse a file that is not as it was written: onnxruntime tests no checksums. Older files have no digest."""
    if digest is None:
        return
    blank = content.replace(digest.encode(), NO_DIGEST.encode())
    if hashlib.sha256(blank).hexdigest() != digest:
        raise UserError(
            f"{path} is damaged, or was changed since it was exported (its SHA-256 is another); export it again"
        )


def parse_description(text: Union[str, bytes, None], path: str) -> Dict[str, Any]:
    """Read the description in a file.

    Raises:
        UserError: there is none, or it is damaged or of another format.
    """
    try:
        description = parse_json(text or "null")
    except UserError as error:
        raise UserError(f"{path}: its description is damaged ({error}); export it again") from None
    if not isinstance(description, dict) or "inputs" not in description:
        raise UserError(f"{path} has no description of its observations: it was not written by export.py")
    if description.get("format") not in READABLE_FORMATS:
        found = description.get("format")
        raise UserError(f"{path} has format {found}; this program reads formats up to {FORMAT_VERSION}")
    return description
