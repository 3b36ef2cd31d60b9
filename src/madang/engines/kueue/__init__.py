"""The engine ``kueue``: quotas and jobs as manifests for Kubernetes with Kueue. **Rendered, not run.**

    site                a Cohort of its name
    kind of capacity    a ResourceFlavor of its name, on nodes that are labelled with it
    share at the site   a ClusterQueue ``<site>-<share>`` in the cohort: nominalQuota is its number of units
    lends, borrows      lendingLimit, borrowingLimit of 0 where it may not; reclaim: reclaimWithinCohort
    organization        a Namespace ``madang-<organization>``
    award               a LocalQueue of its id there; held while its month is not now
    attempt of a run    a suspended Job of its name, in its award's queue

The custom resources are of kueue.x-k8s.io/v1beta2. Kueue counts what is in use, not what was used: an award's
budget is held by Madang's lease alone.
"""
