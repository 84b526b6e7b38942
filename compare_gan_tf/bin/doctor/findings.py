"""What a check finds: a fact, whether something is broken, and the cure."""

import dataclasses

OK, NOTE, BROKEN = "ok", "note", "broken"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of `compare-gan doctor`.

    Attributes:
      name: of what is checked, such as "numpy".
      value: what is found, in words.
      state: OK; NOTE if it limits what can be done; BROKEN if commands will fail.
      cure: what to do about a NOTE or a BROKEN; "" where there is nothing to do.
    """

    name: str
    value: str
    state: str = OK
    cure: str = ""
