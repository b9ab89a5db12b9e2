"""How good is a model, is another one better by more than chance, and do its confidences hold?"""
