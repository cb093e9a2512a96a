# Sourced by ./run and ./test: a virtual environment in "$2" (.venv) with what "$1" (an extra) needs, made or completed.
set -euo pipefail
extra=$1
venv=${2:-.venv}
python=${PYTHON:-python3}
if [ ! -x "$venv/bin/python" ]; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Lucid needs Python 3.11 or later; name one with PYTHON=/path/to/python" >&2
        exit 1
    }
    "$python" -m venv "$venv"
fi
# The stamp tells what was installed from which files, so that a second call costs nothing.
stamp=$(cat pyproject.toml constraints.txt setup.sh | cksum | tr ' ' -)
if [ "$(cat "$venv/.lucid-$extra" 2>/dev/null)" != "$stamp" ]; then
    echo "setting up $venv for Lucid's '$extra' extra ..."
    # torch first, by its exact pin: a looser one would let another package bring another build
    if [ "$extra" != browser ]; then # the studio needs none
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extra]"
    if [ "$extra" = peers ]; then # of these we want the schedulers alone, and not what else they would bring
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
            timm deepspeed fastai fvcore iopath lrsched mmengine pytorch-ignite pytorch-optimizer pytorch-scheduler \
            torch-schedule-anything
    fi
    echo "$stamp" >"$venv/.lucid-$extra"
fi
