"""Completion for bash: one function, and lists of words."""

from compare_gan_tf.bin.completion import names

_FUNCTION = r"""
_compare_gan() {
    # The line is split here: Bash would split it at "=", too.
    local line="${COMP_LINE:0:COMP_POINT}" words=() word="" verb before flag value head=""
    read -ra words <<< "$line"
    [[ "$line" == *[[:space:]] ]] || { word="${words[-1]}"; unset 'words[-1]'; }
    verb="${words[1]}" before="${words[-1]}"
    [[ " $(_compare_gan_verbs "$verb") " == *" ${words[2]} "* && -n "${words[2]}" ]] \
        && verb="$verb ${words[2]}"
    COMPREPLY=()
    if [[ "$word" == --*=* ]]; then
        flag="${word%%=*}" value="${word#*=}"
    elif [[ " $(_compare_gan_flags "$verb") " == *" $before= "* && ${#words[@]} -gt 2 ]]; then
        flag="$before" value="$word"
    elif [[ ${#words[@]} -eq 1 ]]; then
        COMPREPLY=($(compgen -W "$(_compare_gan_verbs)" -- "$word"))
        return
    elif [[ "$word" == -* || -z "$word" && "$verb" != compare && "$verb" != completion ]]; then
        local more=""
        [[ ${#words[@]} -eq 2 ]] && more="$(_compare_gan_verbs "$verb")"
        COMPREPLY=($(compgen -W "$more $(_compare_gan_flags "$verb")" -- "$word"))
        [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2> /dev/null
        return
    elif [[ "$verb" == completion ]]; then
        COMPREPLY=($(compgen -W "$(_compare_gan_values completion --shell)" -- "$word"))
        return
    elif [[ ${#words[@]} -eq 2 && -n "$(_compare_gan_verbs "$verb")" ]]; then
        COMPREPLY=($(compgen -W "$(_compare_gan_verbs "$verb")" -- "$word"))
        return
    else
        flag="" value="$word"
    fi
    [[ "$word" == --*=* && "$COMP_WORDBREAKS" != *=* ]] && head="$flag="
    local known="$(_compare_gan_values "$verb" "$flag")"
    if [[ " LISTS " == *" $flag "* && "$value" == *,* ]]; then
        head="$head${value%,*}," value="${value##*,}"
    fi
    if [[ -n "$known" ]]; then
        COMPREPLY=($(compgen -P "$head" -W "$known" -- "$value"))
    fi
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        compopt -o filenames 2> /dev/null
        local IFS=$'\n'
        COMPREPLY=($(compgen -P "$head" -f -- "$value"))
    fi
}
complete -F _compare_gan compare-gan"""


def script() -> str:
    """What `source` takes."""
    verbs = names.verbs()
    top = [name for name in verbs if " " not in name]
    below = {verb: " ".join(parts) for verb, parts in names.parts(verbs).items()}
    flags = {
        name: " ".join(f"{one.name}{'=' * one.takes_value}" for one in verb.flags)
        for name, verb in verbs.items()
    }
    values = {
        f"{name} {one.name}": " ".join(one.values)
        for name, verb in verbs.items()
        for one in verb.flags
        if one.values
    }
    lists = " ".join(f"--{one}" for one in names.LISTS)
    return "\n".join([
        "# Completion of compare-gan for bash: source <(compare-gan completion bash)",
        _cases("_compare_gan_verbs", "$1", {"": " ".join(top), **below}),
        _cases("_compare_gan_flags", "$1", flags),
        _cases("_compare_gan_values", "$1 $2", values),
        _FUNCTION.replace("LISTS", lists).strip(),
    ])  # fmt: skip


def _cases(function: str, key: str, texts: dict[str, str]) -> str:
    """A function that prints the text of a key; keys with equal texts share it."""
    keys = {}
    for one, text in texts.items():
        keys.setdefault(text, []).append(one)
    cases = [
        f"        {'|'.join(repr(one) for one in ones)}) echo '{text}' ;;"
        for text, ones in keys.items()
    ]
    return "\n".join([f"{function}() {{", f'    case "{key}" in', *cases, "    esac", "}"])
