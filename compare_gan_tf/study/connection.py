"""Opening the database of a study, and what is said where that fails."""

import contextlib
import functools
import os
import sqlite3
import warnings
from collections.abc import Iterator

from compare_gan_tf.errors import UserError, first_line

try:
    import optuna
    import sqlalchemy
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
except ImportError as error:
    raise UserError(
        "a study needs Optuna, which is not installed: pip install 'compare_gan_tf[study]'"
    ) from error

optuna.logging.set_verbosity(optuna.logging.WARNING)
# Heartbeats and retries are experimental in name; constraints.txt has the version that is tested.
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

DATABASE = "study.db"
HEARTBEAT = 10  # seconds between two signs of life of a trial
GRACE = 60  # seconds without one, after which its worker counts as dead


def default_url(study_dir: str) -> str:
    """A SQLite file in the study's folder."""
    path = os.path.join(os.path.abspath(study_dir), DATABASE)
    return sqlalchemy.URL.create("sqlite", database=path).render_as_string()


def connect(url: str, *, heartbeat: int = HEARTBEAT, grace: int = GRACE) -> RDBStorage:
    """Opens a storage, and makes its tables where there are none.

    Args:
      url: as SQLAlchemy has it: "sqlite:///study.db", "postgresql://user:password@host/database".
      heartbeat: seconds between two signs of life of a running trial.
      grace: seconds without one, after which its worker counts as dead.

    Raises:
      UserError: it cannot be reached, has no driver here, or is of another version.
    """
    with explained(url):
        # psycopg 3 is the driver that the extra installs.
        if url.startswith(("postgresql://", "postgres://")):
            url = f"postgresql+psycopg://{url.partition('://')[2]}"
        parsed = sqlalchemy.make_url(url)
        engine = {"connect_args": {"connect_timeout": 30}}
        if parsed.get_backend_name() == "sqlite":
            engine = {"creator": functools.partial(_sqlite, parsed.database or "")}
        return RDBStorage(
            url,
            engine_kwargs=engine,
            heartbeat_interval=heartbeat,
            grace_period=grace,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
        )


def _sqlite(path: str) -> sqlite3.Connection:
    """Opens a file so that a commit waits for no disk: a killed process loses nothing by that."""
    if not path:
        raise UserError("--storage=sqlite:// names no file: write sqlite:///FILE")
    opened = sqlite3.connect(path, timeout=60, check_same_thread=False)
    opened.execute("PRAGMA journal_mode=WAL")
    opened.execute("PRAGMA synchronous=NORMAL")
    return opened


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Raises what SQLAlchemy and Optuna report as one line with the cure."""
    try:
        yield
    except UserError:
        raise
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise UserError(_explanation(shown(url), error, cause)) from error
    except ImportError as error:  # of a driver
        raise UserError(
            f"--storage={shown(url)} needs {first_line(error)}: install its driver, or use"
            " sqlite:/// or postgresql://"
        ) from error
    except RuntimeError as error:
        if "table schema" not in str(error):
            raise
        raise UserError(
            f"the study in {shown(url)} was made by another version of Optuna: {first_line(error)}"
        ) from error


def shown(url: str) -> str:
    """A URL without its password."""
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return url


def _explanation(where: str, error: Exception, cause: BaseException) -> str:
    said = first_line(cause)
    if isinstance(error, sqlalchemy.exc.ArgumentError):
        return (
            f"--storage={where} is no URL of a database: write sqlite:///FILE or postgresql://..."
        )
    if any(words in said for words in ("disk is full", "disk I/O error", "readonly database")):
        return f"cannot write to {where}: {said}; free space there, or make it writable"
    if "not a database" in said or "malformed" in said:
        return f"{where} is no database of a study: {said}; move it to another place"
    return f"cannot use {where}: {said}; is the address right, and does the database run?"
