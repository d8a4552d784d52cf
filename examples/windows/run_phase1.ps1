# Phase 1 of walking by sight: the teacher, by PPO. -Config is a name in legged_gym/configs or a path.
param([string]$Config = "a1_vision_phase1", [string]$Device = "cuda:0")

$ErrorActionPreference = "Stop"
$Train = Join-Path $PSScriptRoot "..\..\legged_gym\scripts\train.py"
python $Train "--task=a1_vision" "--cfg=$Config" "--device=$Device" "--headless" @args
exit $LASTEXITCODE
