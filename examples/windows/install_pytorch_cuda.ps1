# PyTorch for an NVIDIA GPU, into the active environment: PyPI's build for Windows is for CPUs.
param([string]$Cuda = "cu130")

$ErrorActionPreference = "Stop"
python -m pip install "torch>=2.4,<3" --index-url "https://download.pytorch.org/whl/$Cuda"
python -c "import torch; print(torch.__version__, torch.cuda.is_available())"
