# Phase 2 of walking by sight: the student, by DAgger. -Teacher is a run, a checkpoint or a shipped policy.
param([string]$Config = "a1_vision_phase2", [string]$Teacher = "a1_vision", [string]$Device = "cuda:0")

$ErrorActionPreference = "Stop"
$Train = Join-Path $PSScriptRoot "..\..\legged_gym\scripts\train.py"
python $Train "--task=a1_vision_student" "--cfg=$Config" "--teacher=$Teacher" "--device=$Device" "--headless" @args
exit $LASTEXITCODE
