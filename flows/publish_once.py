"""`publish(root)` for the flow, in a process that knows nothing of Prefect.

    python -m flows.publish_once ROOT

Standard output is one JSON document: the publication, or the expected error that went before the exit code.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tagpipe.errors import TagpipeError, from_dict
from tagpipe.operations.publish import Publication, publish

_PUBLICATION = TypeAdapter(Publication)


def main() -> int:
    """Run it; what anything below prints goes to standard error, for the answer has the other to itself."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        try:
            answer.write(_PUBLICATION.dump_json(publish(Path(sys.argv[1]))).decode("utf-8"))
        except TagpipeError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            answer.write(json.dumps(error.as_dict()))
            return error.exit_code
    return 0


def parse_answer(exit_code: int, answer: str) -> Publication | TagpipeError | None:
    """The result that `main` wrote; None if it did not get that far."""
    try:
        return _PUBLICATION.validate_json(answer) if exit_code == 0 else from_dict(json.loads(answer))
    except (ValidationError, ValueError, KeyError, TypeError):
        return None


if __name__ == "__main__":
    sys.exit(main())
