"""The power-cut harness: whole stations that lose their power at every moment, and a CSMS that counts what it heard.

How a power cut is modelled
---------------------------
The agent runs as a process of its own, unchanged but for a shim (``agent.py``) in two layers:

* *Beneath SQLite* (``vfs.py``): every write, truncation and sync of the database file and of its WAL passes through.
  What was written since the last sync of a file is kept in a journal beside it: the old bytes and the old length.
* *Around the database's edge* (``watched.py``): batches handed in, BEGIN, each write of a batch, COMMIT, being told,
  rows read; also a frame sent and a frame heard.

Both count moments, and at the n-th moment of the chosen kind the process kills itself with SIGKILL; or else the
harness kills it from outside at any instant.  SIGKILL alone leaves everything that was written in the kernel's hands,
which a power cut does not: so ``disk.py`` then takes from each file what no sync had covered, as a disk may: all of it,
none of it, everything behind a random byte, any sectors of it, with flipped bits in what is left.  What a sync covered
is never touched.  The index of the WAL (``-shm``), which nobody syncs, is lost or turned to noise.

So a checkpoint needs no special care: its writes to the database file are in the journal until their own sync, and
the WAL that they came from was synced before.  What is not modelled: the directory (a WAL file that was created is
there after the cut), disks that lie about a sync, and damage to what lies still.

The station is then started again on the same directory, and loses its power again.  After some cuts everybody
behaves, the queue drains, and ``judge.py`` holds what the CSMS heard against what was committed and what the meters
showed.  ``python -m tests.scenarios.power_cut --cuts 10000`` does any number.

What is played: three EVSEs with drivers who plug in, swipe, charge, pause and leave; network cables pulled; a
technician who sends parked events again; vehicles that are still there after the cut, or not; stations that learn the
time late, from a CSMS whose clock is hours ahead; ledgers over their budget; a CSMS that closes, resets, delays,
answers twice, refuses (often enough in a row that an event is parked), says nothing, or does not even read.

What may be lost: an event whose commit had not returned when the power went, and that the CSMS has never heard.

A seed fixes everything that is chosen: the station, where each of its lives ends, what drivers do, what the CSMS does
wrong and what the disk loses.  It does not fix the speed of three processes on one machine, so the same seed need not
meet the same bug; ``--story`` plays one station again, as violations name it.
"""
