"""What is looked at before anyone is asked, and again at the door.

Every check is a function of one planned change in its surroundings and answers with evidence
and the next step, or with None where it does not apply. A check that cannot be carried out
blocks: unknown is no.
"""

from remedyd.cluster.prechecks.runner import CHECKS, run
from remedyd.cluster.prechecks.scene import Scene

__all__ = ["CHECKS", "Scene", "run"]
