"""The pure steps, one package a stage."""
