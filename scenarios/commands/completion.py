"""`optilocal completion`: the script with which a shell completes commands and options."""

import click

from optilocal.scenarios.commands.options import COMPLETION_VARIABLE, Command

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in your shell.

    \b
    Examples:
      bash: add to ~/.bashrc    eval "$(optilocal completion bash)"
      zsh:  add to ~/.zshrc     eval "$(optilocal completion zsh)"
      fish: run once            optilocal completion fish > ~/.config/fish/completions/optilocal.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - the shell alone asks for it

    root = context.find_root()
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(root.command, {}, "optilocal", COMPLETION_VARIABLE).source())
