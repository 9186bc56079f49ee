
*
a"reserved¸>šx