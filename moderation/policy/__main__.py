"""`python -m moderation.policy`: see `moderation.policy_command`."""

import sys

from moderation.policy_command.command import main

if __name__ == "__main__":
    sys.exit(main())
