"""Who vouches for upstream's certificate."""

from __future__ import annotations

import ssl

from claif_cla.gateway.config.problems import ConfigError
from claif_cla.gateway.config.sections import Config

__all__ = ["tls_of"]


def tls_of(config: Config) -> ssl.SSLContext | None:
    """How upstream is verified: by the system's authorities and those of `upstream.ca_file`.

    None where there is no such file: the HTTP library's own way is the system's too.

    Raises:
        ConfigError: the file cannot be read, or holds no certificate.
    """
    file = config.upstream.ca_file
    if file is None:
        return None
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:  # an OSError too, whose words are OpenSSL's
        problem = f"upstream.ca_file: {file} holds no certificates in PEM form"
    except OSError as error:
        problem = f"upstream.ca_file: {file} cannot be read: {error.strerror}"
    else:
        return context
    raise ConfigError([problem])
