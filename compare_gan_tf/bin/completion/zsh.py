"""Completion for zsh: one call of _arguments for each verb."""

from compare_gan_tf.bin.completion import names
from compare_gan_tf.bin.completion.names import Flag, Verb
from compare_gan_tf.config import gin_files

_FUNCTION = """#compdef compare-gan
# Completion of compare-gan for zsh: source <(compare-gan completion zsh), after compinit.
_compare_gan_configs() {
    compadd -- CONFIGS
    _files
}
_compare_gan() {
    local -a verbs parts
    verbs=(
VERBS
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    shift words; (( CURRENT-- ))
    case "$verb $words[2]" in
BELOW
    esac
    if (( CURRENT == 2 && $#parts )); then
        _describe part parts
    fi
    case "$verb" in
CASES
    esac
}
if [ "$funcstack[1]" = _compare_gan ]; then
    _compare_gan "$@"
else
    compdef _compare_gan compare-gan
fi"""


def script() -> str:
    """What `source` takes, or a file `_compare-gan` in a folder of fpath."""
    verbs = names.verbs()
    listed = [f"        '{n}:{v.text}'" for n, v in verbs.items() if " " not in n]
    below = []
    for verb, parts in names.parts(verbs).items():
        # With a verb below, the line is that one's: its name takes the place of the verb's.
        below += [
            f"        '{verb} {part}') if (( CURRENT > 2 )); then verb='{verb} {part}';"
            " shift words; (( CURRENT-- )); fi ;;"
            for part in parts
        ]
        texts = " ".join(f"'{part}:{verbs[f'{verb} {part}'].text}'" for part in parts)
        below.append(f"        '{verb} '*) parts=({texts}) ;;")
    cases = [f"        '{name}') _arguments {_arguments(name, v)} ;;" for name, v in verbs.items()]
    return (
        _FUNCTION.replace("VERBS", "\n".join(listed))
        .replace("BELOW", "\n".join(below))
        .replace("CONFIGS", " ".join(gin_files.packaged_configs()))
        .replace("CASES", "\n".join(cases))
    )


def _arguments(name: str, verb: Verb) -> str:
    found = [_argument(one) for one in verb.flags]
    if verb.arguments:
        found.append("'*:run:_files -/'")
    if name == "completion":
        found.append(f"'1:shell:({' '.join(verb.flags[0].values)})'")
    return " ".join(found)


def _argument(flag: Flag) -> str:
    if not flag.takes_value:
        return f"'{flag.name}[{flag.text}]'"
    values = " ".join(flag.values)
    action = "_files"
    if flag.name[2:] in names.LISTS:
        action = f"_sequence compadd - {values}"
    elif flag.name == "--gin_config":
        action = "_compare_gan_configs"
    elif values:
        action = f"({values})"
    return f"'*{flag.name}=[{flag.text}]:{flag.name[2:]}:{action}'"
