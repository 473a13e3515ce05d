"""De-identification: a new file in which nothing says who the patient is, and a report of what was taken out.

A cleaner is one module with `deidentify(file, out, policy) -> Report`, named by the `cleaner` of a format.
Cleaners parse what strangers wrote: the bot runs them in the sandbox, and `ernbot deidentify` on the hospital's
own machine. This package stays light, so that `Policy` and `Report` can be had without a decoder.
"""

from ernbot.imaging.deid.model import LEFT_OUT, PRIVATE, SECRET_BYTES, Policy, Report, left_out

__all__ = ["LEFT_OUT", "PRIVATE", "SECRET_BYTES", "Policy", "Report", "left_out"]
