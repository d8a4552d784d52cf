# The steps of the Makefile for PowerShell: Python 3.11 or newer is needed.
#
#   .\make.ps1 train
#   .\make.ps1 train -Task a1 -Arguments "--num_envs=1024"
#   .\make.ps1 train -Torch "torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
#   .\make.ps1 test

param(
    [Parameter(Position = 0)]
    [ValidateSet("help", "install", "train", "evaluate", "play", "test", "check", "format", "clean")]
    [string]$Step = "help",
    [string]$Task = "a1_flat",
    [string]$Arguments = "",
    [string]$EvaluateArguments = "",
    [string]$Torch = "torch==2.13.0",
    [string]$Extras = "",
    [string]$Python = "python",
    [string]$Venv = ".venv"
)

$ErrorActionPreference = "Stop"
Set-Location $PSScriptRoot
$Own = Join-Path $Venv "Scripts\python.exe"

function Invoke-Own {
    & $Own @args
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Split-Words([string]$Text) {
    return @($Text -split "\s+" | Where-Object { $_ })
}

function Install-Own([string]$Wanted) {
    if (-not (Test-Path $Own)) {
        & $Python -c "import sys; sys.version_info >= (3, 11) or sys.exit('error: Python 3.11 or newer is needed')"
        if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
        & $Python -m venv $Venv
    }
    Invoke-Own -m pip install --disable-pip-version-check --quiet @(Split-Words $Torch)
    $Package = if ($Wanted) { ".[$Wanted]" } else { "." }
    Invoke-Own -m pip install --disable-pip-version-check --quiet --editable $Package
}

switch ($Step) {
    "help" { Get-Content $PSCommandPath -TotalCount 7 }
    "install" { Install-Own $Extras }
    "train" {
        Install-Own $Extras
        Invoke-Own legged_gym/scripts/train.py "--task=$Task" "--headless" @(Split-Words $Arguments)
        Invoke-Own legged_gym/scripts/evaluate.py "--task=$Task" "--num_episodes=400" "--json=logs/${Task}_evaluation.json"
        Invoke-Own legged_gym/scripts/play.py "--task=$Task" "--video"
    }
    "evaluate" {
        Install-Own $Extras
        $Json = "--json=logs/${Task}_evaluation.json"
        Invoke-Own legged_gym/scripts/evaluate.py "--task=$Task" @(Split-Words $EvaluateArguments) $Json
    }
    "play" {
        Install-Own $Extras
        Invoke-Own legged_gym/scripts/play.py "--task=$Task" "--video"
    }
    "test" {
        Install-Own "dev"
        Invoke-Own -m pytest "--numprocesses=auto" "--maxprocesses=8" "--dist=loadfile" "--no-loadscope-reorder"
    }
    "check" {
        Install-Own "dev"
        Invoke-Own -m ruff check .
        Invoke-Own -m ruff format "--check" .
        Invoke-Own -m mypy
    }
    "format" {
        Install-Own "dev"
        Invoke-Own -m ruff check "--fix" .
        Invoke-Own -m ruff format .
    }
    "clean" {
        foreach ($Path in @($Venv, "build", "dist", ".mypy_cache", ".pytest_cache", ".ruff_cache")) {
            if (Test-Path $Path) { Remove-Item $Path -Recurse -Force }
        }
    }
}
