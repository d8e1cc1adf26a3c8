#!/usr/bin/env bash
# GAAE on S09 on four nodes, all GPUs of each:   sbatch examples/slurm.sh
# Submitted from the repository, whose folder, data set and run folder every node sees. Submitted again it goes on.
# After a node failed it may refuse: a lock of a process on another host cannot be judged. If no job trains there any more: rm runs/s09/lock
#SBATCH --job-name=gaae
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --output=gaae-%j.log
set -euo pipefail
cd "${SLURM_SUBMIT_DIR:?submit this with sbatch}"
source .venv/bin/activate

port=12345
addresses=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd, -)
export addresses

# Each task tells its own place. `exec`: the signal before the time limit must reach Python.
srun --kill-on-bad-exit=1 bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$addresses]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec python train.py --flagfile=configs/s09.flags --strategy=multi_worker'
