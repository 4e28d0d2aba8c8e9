"""The daemon, with the hash of containers that versions had before it was over names and values."""

from archipelago import daemon
from archipelago.container.workload import compiler, spec_hash
from support.kept_archives import keep_archives

if __name__ == "__main__":
    keep_archives()
    vars(compiler)["spec_hash"] = spec_hash.former_hash
    daemon.main()
