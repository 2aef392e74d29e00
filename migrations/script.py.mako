"""${message}.

Revision: ${up_revision}, after ${down_revision}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Explicit DDL only: a revision imports neither tables nor code, and makes every append-only trigger anew."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """One release back; refuses where rows would be lost."""
    ${downgrades if downgrades else "pass"}
