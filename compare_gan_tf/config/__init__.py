"""Configs: gin files, what they may import, and what is said of a wrong one."""

from compare_gan_tf.config.parsing import (
    LATER_STAGES,
    bound,
    check_used,
    configurable,
    differing_lines,
    import_modules,
    is_registered,
    operative_text,
    parse,
    unused_bindings,
)

__all__ = [
    "LATER_STAGES",
    "bound",
    "check_used",
    "configurable",
    "differing_lines",
    "import_modules",
    "is_registered",
    "operative_text",
    "parse",
    "unused_bindings",
]
