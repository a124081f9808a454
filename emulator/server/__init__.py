"""Both providers' shared machinery: requests, answers, jobs, links, callbacks, faults carried out."""
