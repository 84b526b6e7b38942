"""Completion for fish: one command of `complete` for each verb and each flag."""

from compare_gan_tf.bin.completion import names
from compare_gan_tf.bin.completion.names import Flag

_FUNCTION = """# Completion of compare-gan for fish. Write it to
# ~/.config/fish/completions/compare-gan.fish
function __compare_gan_verb
    set -l words (commandline -opc)
    set -l verb $words[2]
    if contains -- "$words[2] $words[3]" BELOW
        set verb "$words[2] $words[3]"
    end
    test "$verb" = "$argv"
end
complete -c compare-gan -f"""


def script() -> str:
    """What `source` takes."""
    verbs = names.verbs()
    parts = names.parts(verbs)
    below = " ".join(f"'{verb} {part}'" for verb, ones in parts.items() for part in ones)
    lines = [_FUNCTION.replace("BELOW", below)]
    for name, verb in verbs.items():
        above, _, part = name.rpartition(" ")
        lines.append(f"complete -c compare-gan {_when(above)} -a '{part}' -d '{verb.text}'")
        lines += [_flag(name, one) for one in verb.flags]
        if verb.arguments:
            lines.append(f"complete -c compare-gan {_when(name)} -F")
        if name == "completion":
            values = " ".join(verb.flags[0].values)
            lines.append(f"complete -c compare-gan {_when(name)} -a '{values}'")
    return "\n".join(lines)


def _when(verb: str) -> str:
    return f"-n '__compare_gan_verb {verb}'"


def _flag(verb: str, flag: Flag) -> str:
    line = f"complete -c compare-gan {_when(verb)} -l {flag.name[2:]} -d '{flag.text}'"
    if not flag.takes_value:
        return line
    if not flag.values:
        return f"{line} -r -F"
    values = " ".join(flag.values)
    if flag.name[2:] in names.LISTS:
        return f"{line} -x -a '(__fish_append , {values})'"
    kind = "-r -F" if flag.name == "--gin_config" else "-x"  # a config may be a file, too
    return f"{line} {kind} -a '{values}'"
