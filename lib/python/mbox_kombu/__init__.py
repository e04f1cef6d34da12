# SPDX-License-Identifier: LGPL-2.1-or-later
"""A transport of kombu over Linux mailboxes: Celery on one machine without a broker.

    app = Celery("shop", broker="mbox://", backend="rpc://")

The kernel keeps the queues. A worker holds each task by a lease, and if it dies, the
kernel gives its tasks to the other workers at once. mbox_kombu(7) has the rules.

kombu finds a transport by its table of names, and has no other hook. The import of this
package enters "mbox" into that table. A file mbox_kombu.pth comes with the package: by it
Python imports the package when it starts, so that an application needs no change.
Where Python does not read that file (a directory of PYTHONPATH), import the package
before the connection is made.
"""

from __future__ import annotations

# Each program in Python runs this: it loads as little as it can.
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Optional

__all__ = ["register"]

TABLE = "kombu.transport"
ALIAS, TRANSPORT = "mbox", "mbox_kombu.transport:Transport"


def _enter(table: ModuleType) -> None:
    """Enter the name, unless kombu has one of its own."""
    table.TRANSPORT_ALIASES.setdefault(ALIAS, TRANSPORT)


class _Finder:
    """Waits for the import of kombu's table: most programs never import it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Find the table as Python would, and have the name entered once it is loaded."""
        if name != TABLE or self not in sys.meta_path:
            return None
        import importlib.util  # pylint: disable=import-outside-toplevel
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _enter(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def register() -> None:
    """Make "mbox" a transport of kombu, now or when kombu is imported."""
    table = sys.modules.get(TABLE)
    if table is not None:
        _enter(table)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # type: ignore[arg-type]


register()
