"""The folder that a run writes, and the journal from which an interrupted run goes on."""
