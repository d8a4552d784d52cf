# A conda environment with this project in it.
param([string]$Name = "legged_gym", [string]$PythonVersion = "3.12")

$ErrorActionPreference = "Stop"
conda create --yes --name $Name "python=$PythonVersion"
conda run --name $Name python -m pip install --editable (Join-Path $PSScriptRoot "..\..")
Write-Output "conda activate $Name"
