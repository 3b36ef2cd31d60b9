"""The engine ``slurm``: jobs by sbatch, followed by squeue and sacct; limits from awards by sacctmgr.

How things of ours are called there:

    award      an account of its id, below `slurm_account`; GrpTRESMins is what was awarded
    share      a QOS ``<slurm_account>-<share>``; GrpTRES is how much of the site is the share's
    borrowing  the QOS ``<slurm_account>-borrow``, which the shares' own preempt
    attempt    a job of its name (`Job.name`), never requeued: the next attempt is the next job

Told by Slurm 22.05: sbatch(1), squeue(1), sacct(1), sacctmgr(1), and its guide "Resource Limits".
"""
