"""Opening the database of a study, and what is said where that fails."""

import contextlib
import functools
import os
import sqlite3
import warnings
from collections.abc import Iterator

from absl import logging

from compare_gan_tf.errors import Stopped, UserError, first_line, without_secrets
from compare_gan_tf.storage import mounts

try:
    import optuna
    import sqlalchemy

    from compare_gan_tf.study.optuna_insides import Storage
except ImportError as error:
    raise UserError(
        "a study needs Optuna, which is not installed: pip install 'compare_gan_tf[study]'"
    ) from error

optuna.logging.set_verbosity(optuna.logging.WARNING)

DATABASE = "study.db"
HEARTBEAT = 10  # seconds between two signs of life of a trial
GRACE = 60  # seconds without one, after which its worker counts as dead
_PATIENCE = 10  # seconds for a database server to answer


def default_url(study_dir: str) -> str:
    """A SQLite file in the study's folder."""
    path = os.path.join(os.path.abspath(study_dir), DATABASE)
    return sqlalchemy.URL.create("sqlite", database=path).render_as_string()


def absolute(url: str) -> str:
    """A URL that means the same from any folder of this machine."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and not (parsed.database or "").startswith("file:"):
        if not parsed.database or parsed.database == ":memory:":
            raise UserError(f"--storage={without_secrets(url)} names no file: write sqlite:///FILE")
        return parsed.set(database=os.path.abspath(parsed.database)).render_as_string(False)
    return url


def is_server(url: str) -> bool:
    """Whether it is no file, but a server, which may be far away."""
    return _parsed(url).get_backend_name() != "sqlite"


def has_database(url: str) -> bool:
    """Whether anything is at the place of a SQLite file; servers tell when they are asked."""
    return is_server(url) or os.path.lexists(_parsed(url).database or "")


def connect(url: str, *, heartbeat: int = HEARTBEAT, grace: int = GRACE) -> Storage:
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
        parsed = _parsed(url)
        engine: dict = {"connect_args": {"connect_timeout": _PATIENCE}}
        if parsed.get_backend_name() == "sqlite":
            path = parsed.database or ""
            if os.path.lexists(path) and not os.path.isfile(path):
                raise UserError(f"{path} is no file: remove it, or choose another --storage")
            if kind := mounts.shared(path):
                logging.warning(
                    "%s is on a file system that machines may share (%s), where SQLite does not"
                    " keep their workers apart: let one machine use it, or give"
                    " --storage=postgresql://user@host/database",
                    path,
                    kind,
                )
            engine = {"creator": functools.partial(_sqlite, path, bool(kind))}
        with experimental():
            return Storage(
                url, engine_kwargs=engine, heartbeat_interval=heartbeat, grace_period=grace
            )


@contextlib.contextmanager
def experimental() -> Iterator[None]:
    """Makes parts of Optuna that are so in name; constraints.txt has the version that is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _parsed(url: str) -> sqlalchemy.URL:
    try:
        return sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise UserError(
            f"--storage={without_secrets(url)} is no URL of a database: write sqlite:///FILE or"
            " postgresql://..."
        ) from error


def _sqlite(path: str, is_shared: bool) -> sqlite3.Connection:
    """Opens a file so that a commit waits for no disk: a killed process loses nothing by that.

    A write-ahead log needs memory that all its users share, which those of several machines have
    not; so a file system that machines may share gets a journal that is rolled back.
    """
    opened = sqlite3.connect(path, timeout=60, check_same_thread=False)
    try:
        opened.execute(f"PRAGMA journal_mode={'DELETE' if is_shared else 'WAL'}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise  # else others use it as it is, and so does this process
    if not is_shared:
        opened.execute("PRAGMA synchronous=NORMAL")
    return opened


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Raises what SQLAlchemy and Optuna report as one line with the cure."""
    where = without_secrets(url)
    try:
        yield
    except (UserError, Stopped):
        raise
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise UserError(_explanation(where, error, cause)) from error
    except sqlite3.Error as error:  # of `_sqlite`
        raise UserError(_explanation(where, error, error)) from error
    except ImportError as error:  # of a driver
        raise UserError(
            f"--storage={where} needs a driver that is not installed ({first_line(error)}):"
            " install it, or use sqlite:/// or postgresql://"
        ) from error
    except RuntimeError as error:
        if "table schema" not in str(error):
            raise
        raise UserError(
            f"the study in {where} was made by another version of Optuna: {first_line(error)}"
        ) from error


def without_password(url: str) -> str:
    """A URL as it may be kept in files."""
    parsed = _parsed(url)._replace(password=None)
    secret = [name for name in parsed.query if without_secrets(f"?{name}=x") != f"?{name}=x"]
    return parsed.difference_update_query(secret).render_as_string()


def _explanation(where: str, error: Exception, cause: BaseException) -> str:
    said = first_line(cause)
    if isinstance(error, sqlalchemy.exc.ArgumentError):
        return (
            f"--storage={where} is no URL of a database: write sqlite:///FILE or postgresql://..."
        )
    if any(words in said for words in ("disk is full", "disk I/O error", "readonly database")):
        return f"cannot write to {where}: {said}; free space there, or make it writable"
    if any(words in said for words in ("not a database", "malformed", "no such table")):
        return f"{where} is no database of a study: {said}; move it to another place"
    if "password" in said:
        return (
            f"cannot use {where}: {said}; the password is not kept: give it by --storage,"
            " PGPASSWORD or ~/.pgpass"
        )
    return f"cannot use {where}: {said}; is the address right, and does the database run?"
