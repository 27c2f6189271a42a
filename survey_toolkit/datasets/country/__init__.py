"""The simulated country: one module per part of life, each drawn from its own stream of random numbers.

``profile`` says how the country is; ``geography``, ``households``, ``children``, ``unions`` and ``work``
make it; ``truth`` counts what is true in it; ``sampling`` draws a two-stage sample; ``codebook`` and
``questionnaire`` turn the sample into the file a statistical office would send.
``spells``, ``networks``, ``recruitment`` and ``hidden`` are what a household survey hardly sees.
"""
