"""``python -m neural_network`` is the command ``neural-network``."""

import sys


def main() -> None:
    """Run the command, or name the extra that installs it."""
    try:
        _main()
    except KeyboardInterrupt:  # while libraries are still loading
        sys.exit(130)


def _main() -> None:
    from neural_network.errors import MissingDependencyError, needs_extra
    from neural_network.terminal import write_line

    try:
        with needs_extra("the command", extra="cli"):
            import rich  # noqa: F401  (only checks that it is installed)
            import typer  # noqa: F401  (likewise)
    except MissingDependencyError as error:
        write_line(sys.stderr, f"neural-network: {error}")
        sys.exit(2)
    from neural_network.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
